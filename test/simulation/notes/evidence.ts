// What the auditor is shown: disks, the ledger's transfers, and what people have in their hands.
import { type Audited, auditAlways, auditEnd } from './auditor.ts';
import type { Counter } from './counter.ts';
import type { Person } from './person.ts';
import { exchangeAccount, NOTES_ACCOUNT, type System } from './system.ts';

export function evidenceOf(system: System, counter: Counter, people: readonly Person[]): Audited {
  const { issuer, receiver, gateways, ledger } = system;
  return {
    transfers: [...ledger.books.events()].map(({ transfer }) => transfer),
    balanceOf(account) {
      const [found] = ledger.books.lookupAccounts([account]);
      return (found?.creditsPosted ?? 0n) - (found?.debitsPosted ?? 0n);
    },
    notesAccount: NOTES_ACCOUNT,
    issuer: issuer.disk.records,
    receiver: receiver.disk.records,
    sales: counter.sales,
    gateways: gateways.map((gateway) => ({
      ...{ name: gateway.name, float: gateway.float, records: gateway.process.disk.records },
      exchangeAccount: exchangeAccount(gateway.merchant),
      dayMax: gateway.terms.dayMax,
      exchanges: () => gateway.process.opened?.gateway.exchanges() ?? [],
    })),
    people: people.map(({ name, side, device, told, isHonest, options, terminal, keys }) => ({
      ...{ name, side, device, told, isHonest },
      gateway: side === 'lan' ? options.gateways[0]!.name : undefined,
      free: terminal?.balance().free ?? 0n,
      channelKey: Buffer.from(keys.channel.publicKey).toString('hex'),
    })),
  };
}

export function auditAll(system: System, counter: Counter, people: readonly Person[]): string[] {
  const evidence = evidenceOf(system, counter, people);
  return [...auditAlways(evidence), ...auditEnd(evidence)];
}
