// What quickstart says at its beginning.
import { grouped } from '../output.ts';
import type { QuickstartSettings } from './run.ts';
import type { PartName } from './system.ts';

const PARTS: { readonly [part in PartName]: string } = {
  institution: 'the payment institution, simulated: charges cards over ISO 8583',
  cash: 'the ledger: each device and its balance',
  settlement: 'opens account numbers, and alone can; instructs the institution',
  management: 'enrols devices, certifies their keys, passes their loads on',
};

export function headText({ wallets, loads, parameters }: QuickstartSettings): string {
  return [
    '',
    'Specie: a whole system of electronic cash on this machine, each role a process with keys of its own.',
    `${grouped(wallets)} wallets enrol and load ${grouped(wallets * (loads + 2))} times over encrypted channels; ` +
      `${grouped(parameters.transfers)} transfers of a settlement day follow.`,
    'Cards are declined, answers withheld, roles killed; then all books are compared.',
    '',
  ].join('\n');
}

export function partText(part: PartName, address: string, pid: number): string {
  return `  ${part.padEnd(12)} ${address.padEnd(27)} process ${String(pid).padEnd(8)} ${PARTS[part]}`;
}
