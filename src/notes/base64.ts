// base64 as wallets write it: the URL's alphabet without padding. Read with either alphabet, and with or without padding
// (NUT-00, NUT-18).
import { NotesError } from './errors.ts';

const PIECE = 0x8000;

export function toBase64Url(bytes: Uint8Array): string {
  let characters = '';
  // One call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += PIECE)
    characters += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return btoa(characters).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** @throws NotesError */
export function fromBase64Url(text: string, what: string): Uint8Array<ArrayBuffer> {
  const plain = text
    .replace(/={1,2}$/, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/');
  if (!/^[A-Za-z0-9+/]*$/.test(plain) || plain.length % 4 === 1)
    throw new NotesError('malformed', `${what}: expected base64, got other characters`);
  const characters = atob(plain);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}
