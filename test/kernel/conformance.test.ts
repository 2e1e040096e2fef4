import { describeConformance } from '../conformance/suite.ts';
import { kernelTarget } from './kernel-target.ts';

describeConformance('kernel', async () => kernelTarget());
describeConformance('kernel, funded by transfers', async () => kernelTarget({ fundByTransfers: true }));
