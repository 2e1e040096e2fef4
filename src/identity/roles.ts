import { oneOf } from '../shared/codec.ts';

/** The roles that are servers, in the order of their numbers in the directory: new ones go to the end. */
export const ROLES = ['management', 'cash', 'settlement'] as const;
export type RoleName = (typeof ROLES)[number];

export const RoleName = oneOf(...ROLES);

export function isRoleName(text: string): text is RoleName {
  return (ROLES as readonly string[]).includes(text);
}
