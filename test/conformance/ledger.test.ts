import { ledgerTarget } from './ledger-target.ts';
import { describeConformance } from './suite.ts';

describeConformance('journalled engine', () => ledgerTarget());
