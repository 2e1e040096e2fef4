// Settlement's line to a bank that takes ISO 20022 documents over HTTP (simulator/bank-server.ts has the requests). Each
// request has a time limit and its answer a bound; what is not an answer of the bank is `unknown`.
import type {
  ChannelAnswer,
  ChannelUnknown,
  PaymentChannel,
  StatementPage,
} from '../roles/settlement/payment-channel.ts';

export interface PaymentsLinkOptions {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs?: number;
  readonly answerBytesMax?: number;
}

/** A bank checks a message while it is asked. Beyond: `unknown`, and it is asked again. */
const TIMEOUT_MS = 15_000;
/** A statement of a thousand entries takes about 1 MB. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
  readonly next: string | null;
}

export class PaymentsLink implements PaymentChannel {
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #bytesMax: number;
  readonly #closing = new AbortController();

  constructor({
    host,
    port,
    timeoutMs = TIMEOUT_MS,
    answerBytesMax = ANSWER_BYTES_MAX,
  }: PaymentsLinkOptions) {
    this.#url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#timeoutMs = timeoutMs;
    this.#bytesMax = answerBytesMax;
  }

  async submit(document: string): Promise<ChannelAnswer> {
    const answer = await this.#ask('/payments', document);
    if ('kind' in answer) return answer;
    return answer.status === 200 ? { kind: 'answered', document: answer.body } : unexpected(answer);
  }

  async status(messageId: string): Promise<ChannelAnswer | { readonly kind: 'not_found' }> {
    const answer = await this.#ask(`/payments/${messageId}`);
    if ('kind' in answer) return answer;
    if (answer.status === 404) return { kind: 'not_found' };
    return answer.status === 200 ? { kind: 'answered', document: answer.body } : unexpected(answer);
  }

  async statements(after: bigint): Promise<StatementPage | ChannelUnknown> {
    const answer = await this.#ask(`/statements?after=${after}`);
    if ('kind' in answer) return answer;
    const { status, body, next } = answer;
    if (status === 204) return { kind: 'statements', documents: [], next: after };
    if (status !== 200 || next === null || !/^\d{1,18}$/.test(next)) return unexpected(answer);
    return { kind: 'statements', documents: [body], next: BigInt(next) };
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async #ask(path: string, document?: string): Promise<Answer | ChannelUnknown> {
    try {
      const response = await fetch(`${this.#url}${path}`, {
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#timeoutMs)]),
        redirect: 'error',
        ...(document !== undefined && {
          method: 'POST',
          headers: { 'content-type': 'application/xml; charset=utf-8' },
          body: document,
        }),
      });
      const parts: Uint8Array[] = [];
      let size = 0;
      for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        size += part.length;
        if (size > this.#bytesMax) {
          await response.body?.cancel().catch(() => {});
          return { kind: 'unknown', why: `expected at most ${this.#bytesMax} bytes, got more` };
        }
        parts.push(part);
      }
      const { status, headers } = response;
      return { status, body: Buffer.concat(parts), next: headers.get('specie-next') };
    } catch (error) {
      const { name, cause } = error as Error;
      const code = (cause as { code?: unknown } | undefined)?.code;
      return { kind: 'unknown', why: typeof code === 'string' ? code : name };
    }
  }
}

function unexpected({ status }: Answer): ChannelUnknown {
  return { kind: 'unknown', why: `expected an answer, got HTTP status ${status}` };
}
