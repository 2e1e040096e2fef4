import { modelTarget } from './model-target.ts';
import { describeConformance } from './suite.ts';

describeConformance('model', async () => modelTarget());
describeConformance('model, funded by transfers', async () => modelTarget({ fundByTransfers: true }));
