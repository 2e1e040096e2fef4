// The `code` of generated accounts and transfers: what they are for.

export const AccountCode = { float: 1, deposits: 2, shop: 10, device: 20 } as const;

export const TransferCode = {
  load: 10,
  purchase: 20,
  authorisation: 21,
  refund: 30,
  deposit: 40,
  block: 90,
} as const;
