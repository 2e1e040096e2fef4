// What a journal entry did.
export enum Operation {
  create_accounts = 1,
  create_transfers = 2,
  // Releases pending transfers whose time is over. Its events are copies of those transfers, written by the engine.
  expire_pending_transfers = 3,
  // Its records are twice as long as all others (PAYMENT_ORDER_SIZE).
  create_payment_orders = 4,
  set_order_terms = 5,
}
