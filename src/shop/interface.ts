// What the shop needs of the world around it.
import type { Directory } from '../identity/directory.ts';
import type { SignedShopCertificate } from '../identity/shop-certificate.ts';
import type { Signer } from '../identity/signed.ts';
import type { Catalogue } from './catalogue.ts';
import type { ShopTerms } from './check.ts';

/** What pino's loggers have. Purchases, amounts, states; never keys, nor anything sealed. */
export interface ShopLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Who the shop is, as it stands now: each is asked for when it is needed, so that renewals need no restart. */
export interface ShopIdentity {
  certificate(): SignedShopCertificate;
  directory(): Directory;
  /** A key of cash came that the directory does not know; perhaps a newer one does. */
  missed(): void;
  /** Signs refunds, captures and voids. */
  readonly signer: Signer;
}

/** What the shop sells, as it stands now. */
export interface ShopOffering {
  terms(): ShopTerms;
  catalogue(): Catalogue;
}
