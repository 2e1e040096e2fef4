import { oneOf } from '../shared/codec.ts';

/** The roles that are servers, in the order of their numbers in the directory: new ones go to the end. */
export const ROLES = ['management', 'cash', 'settlement', 'issuer', 'receiver'] as const;
export type RoleName = (typeof ROLES)[number];

export const RoleName = oneOf(...ROLES);

/** The two roles of the mint: issuer and receiver hold the notes' seeds, and let in who stays unnamed. */
export const MINT_ROLES = ['issuer', 'receiver'] as const satisfies readonly RoleName[];
export type MintRole = (typeof MINT_ROLES)[number];

export function isMintRole(role: RoleName): role is MintRole {
  return (MINT_ROLES as readonly RoleName[]).includes(role);
}

export function isRoleName(text: string): text is RoleName {
  return (ROLES as readonly string[]).includes(text);
}
