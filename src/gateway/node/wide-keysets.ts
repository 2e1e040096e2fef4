// The keysets of the wide mint, as the issuer tells them: asked for when the gateway opens, every hour, and soon after a keyset
// came that is not known.
import { NotesError } from '../../notes/errors.ts';
import { keysAnswer, keysetsAnswer } from '../../notes/json/keys.ts';
import { checkKeyset, type PublicKeyset } from '../../notes/keyset.ts';
import type { CallResult } from '../../roles/common/role-client.ts';
import type { MintCall, MintCallAnswer } from '../../roles/issuer/messages.ts';
import type { SetTimer } from '../../shared/timer.ts';
import type { GatewayLog, WideKeysets } from '../interface.ts';

const ASK_EVERY_MS = 3_600_000;
/** Whoever makes up keysets makes the gateway ask this often. */
const ASK_SOON_MS = 10_000;
/** After a try that came to nothing: as long, at most, as somebody waits before he tries again. */
const ASK_AGAIN_MS = 2_000;
/** Of the unit: one a rotation. */
const KEYSETS_MAX = 64;
const OK = 200;

export interface KeysetWatchOptions {
  readonly issuer: { mintCall(call: MintCall): Promise<CallResult<MintCallAnswer>> };
  /** Of the wide notes. */
  readonly unit: string;
  readonly setTimer: SetTimer;
  readonly log: GatewayLog;
}

export class KeysetWatch implements WideKeysets {
  readonly #options: KeysetWatchOptions;
  readonly #known = new Map<string, PublicKeyset>();
  #active: PublicKeyset | undefined;
  #cancel: () => void = () => {};
  #isSoon = false;
  #isClosed = false;

  constructor(options: KeysetWatchOptions) {
    this.#options = options;
  }

  active(): PublicKeyset | undefined {
    return this.#active;
  }

  find(id: string): PublicKeyset | undefined {
    const found = this.#known.get(id);
    if (found === undefined) this.#missed();
    return found;
  }

  /** Asks now, and from then on. */
  async ask(): Promise<void> {
    const { log, setTimer } = this.#options;
    let isWell = false;
    try {
      isWell = await this.#ask();
    } catch (error) {
      log.warn({ err: error }, 'keysets of the wide mint not understood; those before stay');
    }
    this.#isSoon = false;
    if (this.#isClosed) return;
    this.#cancel();
    this.#cancel = setTimer(() => void this.ask(), isWell ? ASK_EVERY_MS : ASK_AGAIN_MS);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #missed(): void {
    if (this.#isSoon || this.#isClosed) return;
    this.#isSoon = true;
    this.#cancel();
    this.#cancel = this.#options.setTimer(() => void this.ask(), ASK_SOON_MS);
  }

  async #ask(): Promise<boolean> {
    const { unit, log } = this.#options;
    const listed = await this.#get('/v1/keysets');
    if (listed === undefined) return false;
    const own = keysetsAnswer.decode(listed).keysets.filter((keyset) => keyset.unit === unit);
    let active: PublicKeyset | undefined;
    for (const { id, isActive } of own.slice(0, KEYSETS_MAX)) {
      const keyset = this.#known.get(id) ?? (await this.#keyset(id));
      if (keyset === undefined) return false;
      this.#known.set(id, keyset);
      if (isActive) active = keyset;
    }
    if (active !== undefined && active.id !== this.#active?.id)
      log.info({ keyset: active.id }, 'keyset of the wide mint');
    this.#active = active;
    return active !== undefined;
  }

  /** An id names its keys: whoever tells them cannot tell others. */
  async #keyset(id: string): Promise<PublicKeyset | undefined> {
    const body = await this.#get(`/v1/keys/${id}`);
    const keyset = body && keysAnswer.decode(body).keysets.find((one) => one.id === id);
    if (keyset === undefined) return undefined;
    checkKeyset(keyset);
    if (keyset.unit !== this.#options.unit)
      throw new NotesError('wrong_answer', `keyset ${id}: expected unit ${this.#options.unit}, got another`);
    return keyset;
  }

  async #get(path: string): Promise<Uint8Array | undefined> {
    const result = await this.#options.issuer.mintCall({ method: 'GET', path, body: new Uint8Array() });
    return result.kind === 'ok' && result.answer.status === OK ? result.answer.body : undefined;
  }
}
