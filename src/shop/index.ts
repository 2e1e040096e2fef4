// specie/shop: a shop and its tills. docs/shop.md shows how.
export { type Article, Catalogue } from './catalogue.ts';
export { ShopError, type ShopErrorCode } from './errors.ts';
export type { ShopLog } from './interface.ts';
export { askDesk, atDesk, type DeskCommand, type DeskReply } from './node/desk.ts';
export {
  type AskOptions,
  askForCertificate,
  type EnrolShopOptions,
  makeShop,
} from './node/enrol.ts';
export { OpenShop, type OpenShopOptions, openShop } from './node/open-shop.ts';
export { currencyOf, SHOP_HOME_DEFAULT, SHOP_PORT_DEFAULT, ShopHome } from './node/shop-home.ts';
export type { DayTotals, OrderRecord, SaleState } from './records.ts';
export type { Sale } from './sale.ts';
export { type NumberedSale, Shop, type ShopOptions } from './shop.ts';
export type { AmountGiven, Charge, ChargeLine, ChargeOptions, Settled, Till } from './till.ts';
