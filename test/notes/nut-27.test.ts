// NUT-27: lists of mints, kept on nostr. Not offered: this project speaks to no nostr relay, and a holder's mint is the one
// of its organisation.
import { nutTests } from './nuts.ts';

const REASON = 'derives a nostr key for backing up lists of mints, which is not offered';

nutTests('27-test.md', {}, { 0: REASON, 1: REASON, 2: REASON });
