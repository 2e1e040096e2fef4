// A shop in a process of its own, from the built package so that it starts quickly, that dies where it is told to:
//
//     node shop-process.mjs HOME shop
//
// kill-points.mjs says how it is told. Points:
//
//     shop handles, answers OPERATION        as of every role
//     shop book METHOD before, after         each write: before it, and when it is flushed
//     shop trace STEP                        steps of purchases (purchases.ts)
//     shop asks OPERATION                    a message to management is on its way
//     shop hears OPERATION                   its answer has come, nothing is done about it
import { Client } from '../../dist/channel/client.js';
import { RoleEngine } from '../../dist/roles/common/role-engine.js';
import { ManagementOperation } from '../../dist/roles/management/messages.js';
import { ShopOperation } from '../../dist/roles/shop/messages.js';
import { Book } from '../../dist/shop/book.js';
import { openShop } from '../../dist/shop/index.js';
import { around, obey, operationNames, point, processLog, say } from './kill-points.mjs';

const [home] = process.argv.slice(2);

for (const method of ['takeIn', 'finish', 'takeOrder', 'finishOrder']) {
  around(Book.prototype, method, `shop book ${method}`);
}

const ofManagement = operationNames(ManagementOperation);
const { call } = Client.prototype;
Client.prototype.call = async function watchedCall(operation, ...more) {
  const name = ofManagement.get(operation) ?? operation;
  const answer = call.call(this, operation, ...more);
  // What is asked leaves within this turn.
  setImmediate(() => point(`shop asks ${name}`));
  const answers = await answer;
  point(`shop hears ${name}`);
  return answers;
};

const ofShop = operationNames(ShopOperation);
const { submit } = RoleEngine.prototype;
RoleEngine.prototype.submit = async function watchedSubmit(request) {
  const name = ofShop.get(request.operation) ?? request.operation;
  point(`shop handles ${name}`);
  const reply = await submit.call(this, request);
  point(`shop answers ${name}`);
  return reply;
};

let shop;

async function start() {
  shop = await openShop({
    home,
    log: processLog('shop'),
    failed: (reason) => say({ failed: reason }),
    trace: (step) => point(`shop trace ${step}`),
  });
}

obey({ start, stop: () => shop.close() });
