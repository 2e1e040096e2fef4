// What quickstart says at its beginning.
import { grouped } from '../output.ts';
import type { QuickstartSettings } from './run.ts';
import { SHOPS } from './shops.ts';
import type { PartName, ShopName } from './system.ts';

const PARTS: { readonly [part in Exclude<PartName, ShopName>]: string } = {
  institution: 'charges cards over ISO 8583; a simulator',
  issuer: 'issues notes against accounts at cash',
  receiver: 'takes notes in, each once',
  cash: 'the ledger: each device and its balance',
  settlement: 'opens account numbers, and alone can; instructs the institution',
  management: 'enrols devices, certifies their keys, passes their loads on',
  gateway: 'between the LAN of an organisation and the WAN: local notes for wide ones',
};

export function headText({ wallets, loads, purchases, parameters, crash }: QuickstartSettings): string {
  return [
    '',
    'A whole system of electronic cash on this machine, each role a process with keys of its own.',
    `${grouped(wallets)} wallets enrol, load ${grouped(wallets * (loads + 2))} times and buy ` +
      `${grouped(wallets * (purchases + 1))} times at ${SHOPS} shops, over encrypted channels;`,
    `${grouped(parameters.transfers)} transfers of a settlement day follow; then people carry notes into an organisation, and out again.`,
    `Cards are declined, answers withheld, roles ${crash ? 'killed' : 'stopped'} and started again; ` +
      'then the books of all parties are compared.',
    '',
  ].join('\n');
}

export function partText(part: PartName, address: string, pid: number): string {
  const what = isShop(part) ? 'sells; knows neither who buys nor what they have' : PARTS[part];
  return `  ${part.padEnd(12)} ${address.padEnd(25)} ${what} (process ${pid})`;
}

function isShop(part: PartName): part is ShopName {
  return part.startsWith('shop-');
}
