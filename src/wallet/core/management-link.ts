// The wallet's channels to management, and what is renewed over them: the directory, and the device's certificate.
//
//     call ──▶ the channel that is there, or a new one ──▶ management
//                               │ └─ once it is there: is the directory to be looked for? is the certificate near its end?
//                               └─ certificate refused: renewed over a channel without one, then once more
import { equalBytes } from '../../identity/binary-text.ts';
import { mayRepeat, Refusal } from '../../roles/common/refusal.ts';
import {
  GetDirectoryAnswer,
  GetDirectoryRequest,
  ManagementOperation,
  RenewCertificateAnswer,
  RenewCertificateRequest,
} from '../../roles/management/messages.ts';
import { type Codec, CodecError } from '../../shared/codec.ts';
import type { Book } from './book.ts';
import { checkCertificate } from './check.ts';
import { WalletError } from './errors.ts';
import { readAnswer } from './judge.ts';
import { TransportError, type WalletChannel } from './ports.ts';
import type { Secrets } from './secrets.ts';
import { isRenewalDue, Trust } from './trust.ts';
import type { WalletEvent, WalletOptions } from './wallet-types.ts';

/** How long closing waits for a renewal that is under way. */
const UPKEEP_AT_CLOSE_MS = 1_000;

/** Why management does not let a device in that it may certify anew. */
const CERTIFICATE_REFUSALS: ReadonlySet<string | undefined> = new Set([
  'expired_certificate',
  'untrusted_certificate',
]);

const isCertificateRefused = ({ refusal }: TransportError): boolean => CERTIFICATE_REFUSALS.has(refusal);

/** As whom the wallet comes: before and after it has a certificate. */
export type WalletRole = 'unenrolled' | 'device';

export class ManagementLink {
  readonly #book: Book;
  readonly #secrets: Secrets;
  readonly #options: WalletOptions;
  readonly #afterConnect: () => Promise<void>;
  readonly #channels = new Map<WalletRole, Promise<WalletChannel>>();
  /** At most one a role, though it may make connections of its own: otherwise each of them would begin another. */
  readonly #upkeeps = new Map<WalletRole, Promise<void>>();
  #connected = 0;
  #isClosed = false;
  #trust: Trust;

  /** @param afterConnect once the device has a channel, as what can wait @throws WalletError directory_invalid */
  constructor(book: Book, secrets: Secrets, options: WalletOptions, afterConnect: () => Promise<void>) {
    this.#book = book;
    this.#secrets = secrets;
    this.#options = options;
    this.#afterConnect = afterConnect;
    this.#trust = Trust.of(book.directory.directory, book.settings.rootFingerprint, options.crypto);
  }

  /** By the newest directory. */
  get trust(): Trust {
    return this.#trust;
  }

  /** One answer. The channel is made when there is none, and given up when it fails. @throws TransportError */
  async call(role: WalletRole, operation: number, message: Uint8Array): Promise<Uint8Array> {
    const channel = await this.#channel(role);
    try {
      const [answer] = await channel.call(operation, [message]);
      if (answer === undefined)
        throw new TransportError('unreachable', 'channel: expected an answer, got none');
      return answer;
    } catch (error) {
      await this.drop(role, channel);
      if (error instanceof TransportError && isCertificateRefused(error)) {
        // The certificate has run out while the channel stood: whoever asks again gets a channel with another.
        throw new TransportError('unreachable', error.message, { cause: error });
      }
      throw error;
    }
  }

  /** The same, read. @throws TransportError, WalletError answer_invalid */
  async ask<Answer>(
    role: WalletRole,
    operation: number,
    message: Uint8Array,
    codec: Codec<Answer>,
  ): Promise<Answer | Refusal> {
    const bytes = await this.call(role, operation, message);
    try {
      return readAnswer(codec, bytes);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      throw new WalletError('answer_invalid', `answer: ${error.message}`, { cause: error });
    }
  }

  #channel(role: WalletRole): Promise<WalletChannel> {
    const known = this.#channels.get(role);
    if (known !== undefined) return known;
    if (this.#isClosed) {
      return Promise.reject(new WalletError('wallet_closed', 'wallet: expected it open, got it closed'));
    }
    const opening = role === 'device' ? this.#connectDevice() : this.#connect(role);
    this.#channels.set(role, opening);
    opening.then(
      // What can wait must not hold up what was asked for; it looks for itself whether it is due.
      () => {
        this.#connected += 1;
        if (!this.#upkeeps.has(role)) {
          this.#upkeeps.set(
            role,
            this.#upkeep(role).finally(() => this.#upkeeps.delete(role)),
          );
        }
      },
      () => {
        if (this.#channels.get(role) === opening) this.#channels.delete(role);
      },
    );
    return opening;
  }

  /** Why nobody can answer; undefined: there is a connection. */
  get noConnection(): string | undefined {
    return this.#connected > 0
      ? undefined
      : `expected a connection to ${this.#trust.management(this.#now()).address}, got none yet`;
  }

  /** A certificate that is refused is renewed as one who has none; then the device comes once more. */
  async #connectDevice(): Promise<WalletChannel> {
    try {
      return await this.#connect('device');
    } catch (error) {
      if (!(error instanceof TransportError && isCertificateRefused(error))) throw error;
      this.#emit({ type: 'warning', message: `${error.message}: renewing it` });
    }
    await this.#renewCertificate('unenrolled');
    await this.drop('unenrolled');
    return this.#connect('device');
  }

  async #connect(role: WalletRole): Promise<WalletChannel> {
    const { channelSecret } = await this.#secrets.get();
    const { address, channelKey } = this.#trust.management(this.#now());
    return this.#options.transport.connect({
      as: role,
      channelSecretKey: channelSecret,
      certificate: role === 'device' ? this.#book.device?.certificate : undefined,
      managementKey: channelKey,
      address,
    });
  }

  /** @param broken only if it is still this one */
  async drop(role: WalletRole, broken?: WalletChannel): Promise<void> {
    const known = this.#channels.get(role);
    const channel = await known?.catch(() => undefined);
    if (broken !== undefined && channel !== broken) return;
    if (known !== undefined && this.#channels.get(role) === known) {
      this.#channels.delete(role);
      if (channel !== undefined) this.#connected -= 1;
    }
    await channel?.close().catch(() => {});
  }

  /** Renews directory and certificate in time. */
  async #upkeep(role: WalletRole): Promise<void> {
    try {
      if (!this.isDirectoryFresh) await this.fetchDirectory(role);
      if (role === 'device' && this.#isRenewalDue) await this.#renewCertificate('device');
      if (role === 'device') await this.#afterConnect();
    } catch (error) {
      if (this.#isClosed) return;
      this.#emit({ type: 'warning', message: (error as Error).message });
    }
  }

  get #isRenewalDue(): boolean {
    const known = this.#book.device;
    if (known === undefined) return false;
    const now = this.#now();
    const found = this.#trust.certificate(known.certificate, now);
    return found.certificate === undefined || isRenewalDue(found.certificate, now);
  }

  async #renewCertificate(role: WalletRole): Promise<void> {
    const known = this.#book.device;
    const now = this.#now();
    if (known === undefined) return;
    const answer = await this.ask(
      role,
      ManagementOperation.renew_certificate,
      RenewCertificateRequest.encode({}),
      RenewCertificateAnswer,
    );
    if (answer instanceof Refusal) {
      const said = `certificate: ${answer.message} (${answer.code})`;
      throw mayRepeat(answer) ? new TransportError('unreachable', said) : new WalletError('refused', said);
    }
    // It may be signed with a key that only a newer directory lists.
    if (this.#trust.certificate(answer.certificate, now).wrong !== undefined) await this.fetchDirectory(role);
    const renewed = this.#trust.certificate(answer.certificate, now);
    const { signingKey, channelKey } = await this.#secrets.get();
    const wrong =
      renewed.wrong ??
      checkCertificate(renewed.certificate!, { device: known.device, signingKey, channelKey });
    if (wrong !== undefined) throw new WalletError('answer_invalid', wrong);
    if (equalBytes(answer.certificate, known.certificate)) return;
    await this.#book.setDevice({ device: known.device, certificate: answer.certificate });
    this.#emit({ type: 'certificate_renewed', notAfter: renewed.certificate!.notAfter });
  }

  get isDirectoryFresh(): boolean {
    return this.#trust.isFresh(this.#now(), this.#book.directory.checkedAt);
  }

  /** What management gives out; the signature of the root key decides. Without success the old one stays. */
  async fetchDirectory(role: WalletRole): Promise<void> {
    try {
      const answer = await this.ask(
        role,
        ManagementOperation.get_directory,
        GetDirectoryRequest.encode({}),
        GetDirectoryAnswer,
      );
      if (answer instanceof Refusal) {
        throw new WalletError('refused', `directory: ${answer.message} (${answer.code})`);
      }
      await this.replaceDirectory(answer.directory);
      await this.#book.changeDirectory((stored) => ({ ...stored, checkedAt: this.#now() }));
    } catch (error) {
      if (!(error instanceof WalletError || error instanceof TransportError)) throw error;
      if (error instanceof WalletError && error.code.startsWith('storage')) throw error;
      this.#emit({ type: 'warning', message: error.message });
    }
  }

  /** @returns whether it was newer @throws WalletError directory_invalid */
  async replaceDirectory(bytes: Uint8Array): Promise<boolean> {
    const trusted = (directory: Uint8Array): Trust =>
      Trust.of(directory, this.#book.settings.rootFingerprint, this.#options.crypto);
    const trust = trusted(bytes);
    // Of two that come at a time, the newer one stays, whichever is written last.
    const isNewer = await this.#book.changeDirectory((stored) => {
      const { serial } = trusted(stored.directory);
      if (trust.serial < serial) {
        throw new WalletError(
          'directory_invalid',
          `directory: expected serial ${serial} or later, got ${trust.serial}`,
        );
      }
      return trust.serial === serial ? undefined : { ...stored, directory: bytes };
    });
    if (!isNewer) return false;
    if (trust.serial > this.#trust.serial) this.#trust = trust;
    this.#emit({ type: 'directory_replaced', serial: trust.serial });
    return true;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    // A wallet that is only ever opened for a moment must come to renew its certificate.
    let cancel = (): void => {};
    const enough = new Promise<void>((resolve) => {
      cancel = this.#options.clock.setTimer(resolve, UPKEEP_AT_CLOSE_MS);
    });
    await Promise.race([enough, Promise.all(this.#upkeeps.values())]);
    cancel();
    await Promise.all([...this.#channels.keys()].map((role) => this.drop(role)));
    await Promise.all(this.#upkeeps.values());
  }

  #now(): bigint {
    return this.#options.clock.now();
  }

  #emit(event: WalletEvent): void {
    this.#options.onEvent?.(event);
  }
}
