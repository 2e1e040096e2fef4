// Messages after a handshake: order, forgery, rekeying, the end of the nonces, closing.
import { expect, test } from 'vitest';
import { NATIVE_BYTES_MIN } from '../../src/crypto/aead-into.ts';
import { CipherState } from '../../src/crypto/noise/cipher-state.ts';
import { type NoisePattern, noise } from '../../src/crypto/noise/noise.ts';
import { NoiseTransport } from '../../src/crypto/noise/transport.ts';
import { CipherStateTwin } from '../../src/reference/noise.ts';
import { eachBuild } from './builds.ts';
import {
  expectRefusal,
  key,
  MESSAGE_COUNTS,
  NOBLE_SHA256,
  optionsOf,
  PATTERN_NAMES,
  Pair,
} from './noise-support.ts';

const NONE = new Uint8Array(0);

function connect(pattern: NoisePattern = 'KK'): [NoiseTransport, NoiseTransport] {
  const pair = new Pair(pattern);
  pair.pass(MESSAGE_COUNTS[pattern]);
  return [pair.initiator.transport(), pair.responder.transport()];
}

/** Two ends whose messages begin at `nonce`. */
function startingAt(nonce: bigint): [NoiseTransport, NoiseTransport] {
  const state = (value: number): CipherState => new CipherState(key(value), nonce);
  return [new NoiseTransport(state(1), state(2)), new NoiseTransport(state(2), state(1))];
}

const text = (value: number): Uint8Array => Uint8Array.of(value, value, value);

eachBuild('Noise transport', () => {
  test.each(PATTERN_NAMES)('%s: both directions, each with its own key and count', (pattern) => {
    const [initiator, responder] = connect(pattern);
    const there = initiator.seal(text(1));
    const back = responder.seal(text(1));
    expect(there.length).toBe(19);
    expect(there).not.toEqual(back);
    expectRefusal(() => initiator.open(there), 'authentication_failed');
    expect(responder.open(there)).toEqual(text(1));
    expect(initiator.open(back)).toEqual(text(1));
    for (let i = 2; i < 10; i++) expect(responder.open(initiator.seal(text(i)))).toEqual(text(i));
    expect([initiator.sendNonce, initiator.receiveNonce]).toEqual([9n, 1n]);
    expect([responder.sendNonce, responder.receiveNonce]).toEqual([1n, 9n]);
  });

  test.each([0, 1, 16, 100, 1024, NATIVE_BYTES_MIN - 1, NATIVE_BYTES_MIN, 65_519])(
    'into a buffer of the caller: %d bytes, the same as without',
    (bytes) => {
      const [sender, receiver] = startingAt(7n);
      const [again, opener] = startingAt(7n);
      const plaintext = Uint8Array.from({ length: bytes }, (_, i) => (i * 7) >> 2);
      for (let i = 0; i < 3; i++) {
        const target = new Uint8Array(bytes + 20).fill(0xaa);
        sender.sealInto(plaintext, target);
        expect(target.subarray(0, bytes + 16)).toEqual(again.seal(plaintext));
        expect(target.subarray(bytes + 16)).toEqual(Uint8Array.of(0xaa, 0xaa, 0xaa, 0xaa));
        // Where it lies, as the channel does.
        const sealed = target.slice(0, bytes + 16);
        receiver.openInto(sealed, sealed);
        expect(sealed.subarray(0, bytes)).toEqual(plaintext);
        expect(opener.open(target.subarray(0, bytes + 16))).toEqual(plaintext);
      }
      expect([sender.sendNonce, receiver.receiveNonce]).toEqual([10n, 10n]);
    },
  );

  test.each([100, NATIVE_BYTES_MIN])('%d forged bytes change neither the buffer nor the count', (bytes) => {
    const [sender, receiver] = startingAt(0n);
    const sealed = sender.seal(new Uint8Array(bytes));
    const forged = sealed.slice();
    forged[bytes >> 1]! ^= 1;
    const target = new Uint8Array(bytes).fill(5);
    expectRefusal(() => receiver.openInto(forged, target), 'authentication_failed');
    expectRefusal(() => receiver.openInto(sealed.subarray(0, 15), target), 'authentication_failed');
    expectRefusal(() => receiver.openInto(new Uint8Array(65_536), target), 'authentication_failed');
    expect(target).toEqual(new Uint8Array(bytes).fill(5));
    expect(receiver.receiveNonce).toBe(0n);
    receiver.openInto(sealed, target);
    expect(target).toEqual(new Uint8Array(bytes));
  });

  test('a buffer that is too short, a text that is too long, and no channel any more', () => {
    const [sender, receiver] = startingAt(0n);
    expectRefusal(() => sender.sealInto(new Uint8Array(10), new Uint8Array(25)), 'invalid_argument');
    expectRefusal(() => sender.sealInto(new Uint8Array(65_520), new Uint8Array(65_536)), 'invalid_argument');
    expectRefusal(() => receiver.openInto(new Uint8Array(26), new Uint8Array(9)), 'invalid_argument');
    expect([sender.sendNonce, receiver.receiveNonce]).toEqual([0n, 0n]);
    sender.close();
    expectRefusal(() => sender.sealInto(new Uint8Array(10), new Uint8Array(26)), 'invalid_state');
    expectRefusal(() => sender.openInto(new Uint8Array(26), new Uint8Array(10)), 'invalid_state');
  });

  test('repeated, early and late messages are refused, and the next one still opens', () => {
    const [sender, receiver] = connect();
    const sealed = [0, 1, 2].map((i) => sender.seal(text(i)));
    const expectOnly = (next: number): void => {
      sealed.forEach((message, i) => {
        if (i !== next) expectRefusal(() => receiver.open(message), 'authentication_failed');
      });
    };
    for (let next = 0; next < 3; next++) {
      expectOnly(next);
      expect(receiver.receiveNonce).toBe(BigInt(next));
      expect(receiver.open(sealed[next]!)).toEqual(text(next));
    }
    expectOnly(3);
  });

  test('changed, cut and extended messages are refused and do not advance the nonce', () => {
    const [sender, receiver] = connect();
    const aad = Uint8Array.of(5, 6);
    const sealed = sender.seal(text(1), aad);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const altered = sealed.slice();
      altered[bit >> 3]! ^= 1 << (bit & 7);
      expectRefusal(() => receiver.open(altered, aad), 'authentication_failed');
    }
    for (let length = 0; length < sealed.length; length++) {
      expectRefusal(() => receiver.open(sealed.subarray(0, length), aad), 'authentication_failed');
    }
    expectRefusal(() => receiver.open(Uint8Array.of(...sealed, 0), aad), 'authentication_failed');
    expectRefusal(() => receiver.open(new Uint8Array(65_536), aad), 'authentication_failed');
    for (const wrong of [NONE, Uint8Array.of(5), Uint8Array.of(5, 7), Uint8Array.of(5, 6, 0)]) {
      expectRefusal(() => receiver.open(sealed, wrong), 'authentication_failed');
    }
    expect(receiver.receiveNonce).toBe(0n);
    expect(receiver.open(sealed, aad)).toEqual(text(1));
    expect(receiver.receiveNonce).toBe(1n);
  });

  test('messages are at most 65,535 bytes', () => {
    const [sender, receiver] = connect();
    expectRefusal(() => sender.seal(new Uint8Array(65_520)), 'invalid_argument');
    expect(sender.sendNonce).toBe(0n);
    const sealed = sender.seal(new Uint8Array(65_519).fill(9));
    expect(sealed.length).toBe(65_535);
    expect(Buffer.compare(receiver.open(sealed), new Uint8Array(65_519).fill(9))).toBe(0);
    expect(receiver.open(sender.seal(NONE))).toEqual(NONE);

    // Longer than allowed, though with the right tag.
    const [, other] = startingAt(0n);
    const beyond = new CipherState(key(1)).seal(new Uint8Array(65_520), NONE);
    expectRefusal(() => other.open(beyond), 'authentication_failed');
    expect(other.receiveNonce).toBe(0n);
  });

  test('arguments that are no bytes are refused and use no nonce up', () => {
    const [sender, receiver] = connect();
    for (const wrong of ['text', 7, null, [1, 2], new ArrayBuffer(3)] as unknown as Uint8Array[]) {
      expectRefusal(() => sender.seal(wrong), 'invalid_argument');
      expectRefusal(() => sender.seal(NONE, wrong), 'invalid_argument');
      expectRefusal(() => receiver.open(wrong), 'invalid_argument');
      expectRefusal(() => receiver.open(new Uint8Array(16), wrong), 'invalid_argument');
    }
    expect(sender.sendNonce).toBe(0n);
  });

  test('rekeying keeps both sides in step', () => {
    const [initiator, responder] = connect();
    for (let round = 0; round < 5; round++) {
      expect(responder.open(initiator.seal(text(round)))).toEqual(text(round));
      expect(initiator.open(responder.seal(text(round)))).toEqual(text(round));
      initiator.rekeySend();
      responder.rekeyReceive();
      expect(responder.open(initiator.seal(text(round)))).toEqual(text(round));
      // The other direction keeps its key until it is its turn.
      expect(initiator.open(responder.seal(text(round)))).toEqual(text(round));
      responder.rekeySend();
      initiator.rekeyReceive();
    }
    expect(initiator.sendNonce).toBe(10n);
    expect(responder.sendNonce).toBe(10n);
  });

  test('a rekeyed key is that of section 4.2, and the nonce goes on', () => {
    const twin = new CipherStateTwin(NOBLE_SHA256, key(1));
    const [sender] = startingAt(0n);
    for (let round = 0; round < 5; round++) {
      expect(sender.seal(text(round))).toEqual(twin.encryptWithAd(NONE, text(round)));
      sender.rekeySend();
      twin.rekey();
      expect(sender.sendNonce).toBe(twin.n);
    }
  });

  test('after rekeying, what was sealed before opens no more, and nothing opens before the peer has rekeyed', () => {
    const [sender, receiver] = connect();
    receiver.open(sender.seal(text(1)));
    const old = sender.seal(text(2));
    receiver.rekeyReceive();
    expectRefusal(() => receiver.open(old), 'authentication_failed');

    const [other, peer] = connect();
    peer.open(other.seal(text(1)));
    other.rekeySend();
    const fresh = other.seal(text(2));
    expectRefusal(() => peer.open(fresh), 'authentication_failed');
    peer.rekeyReceive();
    expect(peer.open(fresh)).toEqual(text(2));
    expectRefusal(() => peer.open(fresh), 'authentication_failed');
  });

  test('the nonce carries from its low half into its high half, and is little-endian', () => {
    for (const start of [0n, 254n, 0xffff_fffen, 0xffff_ffff_ffffn, 2n ** 63n - 1n, 0xfedc_ba98_ffff_fffen]) {
      const [sender, receiver] = startingAt(start);
      const twin = new CipherStateTwin(NOBLE_SHA256, key(1));
      twin.n = start;
      for (let i = 0n; i < 4n; i++) {
        expect(sender.sendNonce).toBe(start + i);
        const sealed = sender.seal(text(1));
        expect(sealed).toEqual(twin.encryptWithAd(NONE, text(1)));
        expect(receiver.open(sealed)).toEqual(text(1));
      }
    }
  });

  test('nonce 2^64 - 1 is never used: not for sealing, not for opening, not after rekeying', () => {
    const last = 2n ** 64n - 1n;
    const [sender, receiver] = startingAt(last - 2n);
    const sealed = [sender.seal(text(1)), sender.seal(text(2))];
    expect(sender.sendNonce).toBe(last);
    expectRefusal(() => sender.seal(text(3)), 'message_limit_reached');
    expectRefusal(() => sender.seal(text(3)), 'message_limit_reached');
    expect(receiver.open(sealed[0]!)).toEqual(text(1));
    expect(receiver.open(sealed[1]!)).toEqual(text(2));
    expectRefusal(() => receiver.open(sealed[1]!), 'message_limit_reached');
    const beyond = NOBLE_SHA256.seal(
      key(1),
      Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255),
      text(3),
      NONE,
    );
    expectRefusal(() => receiver.open(beyond), 'message_limit_reached');
    sender.rekeySend();
    receiver.rekeyReceive();
    expect(sender.sendNonce).toBe(last);
    expectRefusal(() => sender.seal(text(3)), 'message_limit_reached');
    expectRefusal(() => receiver.open(beyond), 'message_limit_reached');
    // The other direction has a count of its own.
    expect(sender.open(receiver.seal(text(4)))).toEqual(text(4));
  });

  test('a closed transport refuses everything, and its peer does not notice', () => {
    const [one, two] = connect();
    const sealed = two.seal(text(1));
    one.seal(text(1));
    one.close();
    one.close();
    expectRefusal(() => one.seal(text(2)), 'invalid_state');
    expectRefusal(() => one.open(sealed), 'invalid_state');
    expectRefusal(() => one.rekeySend(), 'invalid_state');
    expectRefusal(() => one.rekeyReceive(), 'invalid_state');
    expect([one.sendNonce, one.receiveNonce]).toEqual([1n, 0n]);
    expect(two.seal(text(2)).length).toBe(19);
  });

  test('what was sealed between two is nothing to others', () => {
    const [sender] = connect('KK');
    const sealed = sender.seal(text(1));
    for (const pattern of PATTERN_NAMES) {
      if (pattern === 'KK') continue;
      const [, receiver] = connect(pattern);
      expectRefusal(() => receiver.open(sealed), 'authentication_failed');
    }
    const again = noise.initiate({ ...optionsOf('KK').initiator, randomBytes: () => key(7) });
    const answer = noise.respond(optionsOf('KK').responder);
    answer.readMessage(again.writeMessage());
    again.readMessage(answer.writeMessage());
    const transport = answer.transport();
    expectRefusal(() => transport.open(sealed), 'authentication_failed');
  });
});
