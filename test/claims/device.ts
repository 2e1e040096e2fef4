// A device made by hand, that can do everything a wallet can, and everything that a wallet would not.
import type { Client } from '../../src/channel/client.ts';
import { ed25519, hpke } from '../../src/crypto/index.ts';
import { DeviceCertificate, type SignedDeviceCertificate } from '../../src/identity/device-certificate.ts';
import { type KeyPair, keyIdOf } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import {
  type AccountBinding,
  accountSealAad,
  accountSealInfo,
  encodeAccountContent,
  type SealedAccount,
} from '../../src/roles/documents/account-seal.ts';
import { DeviceOrder } from '../../src/roles/documents/device-order.ts';
import { AccountFiling, Enrolment, type SignedEnrolment } from '../../src/roles/documents/enrolment.ts';
import { LoadOrder, type SignedLoadOrder } from '../../src/roles/documents/load-order.ts';
import type { DocumentKind, Signed } from '../../src/roles/documents/signed.ts';
import { type ManagementClient, managementClient } from '../../src/roles/management/client.ts';
import { id } from '../../src/shared/id.ts';
import type { ClientIdentity } from '../../src/wire/channel-identity.ts';
import { answerOf, EUR, eventually, type System } from './system.ts';

export const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
export const MINUTE = 60_000_000_000n;
export const soon = (): bigint => now() + 10n * MINUTE;

export function signedBy<Document>(
  kind: DocumentKind<Document>,
  document: Document,
  { secretKey }: { readonly secretKey: Uint8Array },
): Signed<Document> {
  return { document, signature: ed25519.sign(secretKey, kind.signedBytes(document)) };
}

/** An operator's order to revoke a device. */
export function revocation({ operator }: System, device: bigint): { readonly order: Signed<DeviceOrder> } {
  const document: DeviceOrder = {
    ...{ request: id(), operator: operator.name, device, action: { kind: 'revoke' } as const },
    ...{ reason: 'lost', applyBy: soon() },
  };
  return { order: signedBy(DeviceOrder, document, operator.signing) };
}

/** @param publicKey whose secret is to open it */
export function sealTo(
  publicKey: Uint8Array,
  accountNumber: string,
  binding: AccountBinding,
  signingKey: Uint8Array,
): SealedAccount {
  const keyId = keyIdOf(publicKey, systemCrypto.sha256);
  const { enc, ciphertext } = hpke.seal({
    recipientPublicKey: publicKey,
    info: accountSealInfo(keyId),
    aad: accountSealAad(binding),
    plaintext: encodeAccountContent({ signingKey, accountNumber }),
  });
  return { keyId, encapsulatedKey: enc, ciphertext };
}

export class Device {
  readonly system: System;
  signing: KeyPair = generateKeyPair('signing');
  channel: KeyPair = generateKeyPair('channel');
  number = 0n;
  /** The request that has put an account number on file. */
  onFile: bigint | undefined;
  certificate: SignedDeviceCertificate | undefined;
  enrolment: SignedEnrolment | undefined;

  constructor(system: System) {
    this.system = system;
  }

  /** Enrolled, with that account number on file. */
  static async enrolled(system: System, accountNumber?: string): Promise<Device> {
    const device = new Device(system);
    await device.enrol(accountNumber);
    return device;
  }

  identity(payload?: Uint8Array): ClientIdentity {
    const certificate = payload ?? (this.certificate && DeviceCertificate.signed.encode(this.certificate));
    return {
      pattern: 'IK',
      staticKey: this.channel.secretKey,
      remoteStaticKey: this.system.channelKey('management'),
      ...(certificate && { payload: certificate }),
    };
  }

  connect(payload?: Uint8Array): Promise<Client> {
    return this.system.connect('management', this.identity(payload));
  }

  async management(payload?: Uint8Array): Promise<ManagementClient> {
    return managementClient(await this.connect(payload));
  }

  /** To the key that settlement's directory entry names now. */
  seal(accountNumber: string, binding: AccountBinding, signingKey = this.signing.publicKey): SealedAccount {
    const { keys } = this.system.directory().currentKeySet('settlement', now());
    return sealTo(keys.sealing, accountNumber, binding, signingKey);
  }

  anEnrolment(accountNumber?: string, more: Partial<SignedEnrolment['document']> = {}): SignedEnrolment {
    const request = more.request ?? id();
    return signedBy(
      Enrolment,
      {
        request,
        signingKey: this.signing.publicKey,
        channelKey: this.channel.publicKey,
        userData: 'a device made by hand',
        account:
          accountNumber === undefined ? undefined : this.seal(accountNumber, { purpose: 'file', request }),
        applyBy: soon(),
        ...more,
      },
      this.signing,
    );
  }

  async enrol(accountNumber?: string): Promise<void> {
    this.enrolment = this.anEnrolment(accountNumber);
    const { enrolment } = this;
    if (accountNumber !== undefined) this.onFile = enrolment.document.request;
    const client = await this.connect();
    const management = managementClient(client);
    await eventually(async () => {
      const answer = answerOf(await management.enrol({ enrolment }));
      if (answer.kind !== 'enrolled') return false;
      this.number = answer.device;
      this.certificate = DeviceCertificate.signed.decode(answer.certificate);
      return true;
    });
    await client.close(0);
  }

  filing(account: SealedAccount, request = id()) {
    const { publicKey: signingKey } = this.signing;
    return signedBy(AccountFiling, { request, signingKey, account, applyBy: soon() }, this.signing);
  }

  /** Of an account number that is given with it. */
  orderGiven(amount: bigint, more: Partial<SignedLoadOrder['document']> = {}): SignedLoadOrder {
    const request = more.request ?? id();
    return this.order(amount, { request, account: request, ...more });
  }

  /** Of the account number on file, if there is one. */
  order(
    amount: bigint,
    more: Partial<SignedLoadOrder['document']> = {},
    signer: { readonly secretKey: Uint8Array } = this.signing,
  ): SignedLoadOrder {
    const request = more.request ?? id();
    return signedBy(
      LoadOrder,
      {
        request,
        signingKey: this.signing.publicKey,
        account: this.onFile ?? request,
        amount,
        currency: EUR,
        applyBy: soon(),
        ...more,
      },
      signer,
    );
  }
}
