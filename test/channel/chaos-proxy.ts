// A TCP relay in front of a server that cuts connections after a chosen number of bytes, in either direction, or
// swallows what passes, as networks do.

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket, type Server as TcpServer } from 'node:net';
import { afterwards } from './support.ts';

export interface Cut {
  /** Bytes to let through to the server, and back from it, before the connection is cut. */
  up: number;
  down: number;
}

export class ChaosProxy {
  readonly #listener: TcpServer;
  readonly #pairs = new Set<[Socket, Socket]>();
  connections = 0;
  cuts = 0;
  /** True: what passes is swallowed, and nobody is told. */
  silent = false;

  private constructor(target: () => number, next: () => Cut) {
    this.#listener = createServer((inner) => {
      this.connections++;
      const outer = connect(target(), '127.0.0.1');
      const pair: [Socket, Socket] = [inner, outer];
      this.#pairs.add(pair);
      const left = next();
      const cut = (): void => {
        if (!this.#pairs.delete(pair)) return;
        inner.destroy();
        outer.destroy();
      };
      const relay = (from: Socket, to: Socket, way: keyof Cut): void => {
        from.on('data', (chunk) => {
          if (this.silent) return;
          const passes = chunk.subarray(0, left[way]);
          left[way] -= passes.length;
          if (left[way] > 0) {
            to.write(passes);
          } else {
            this.cuts++;
            // What went before the cut still arrives.
            from.pause();
            to.end(passes, cut);
          }
        });
        from.on('error', cut);
        from.on('close', cut);
      };
      relay(inner, outer, 'up');
      relay(outer, inner, 'down');
    });
  }

  static async open(target: () => number, next: () => Cut): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(target, next);
    await new Promise<void>((resolve) => proxy.#listener.listen(0, '127.0.0.1', resolve));
    afterwards(async () => {
      proxy.cut();
      await new Promise((resolve) => proxy.#listener.close(resolve));
    });
    return proxy;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#listener.address() as AddressInfo).port}/v1`;
  }

  /** Cuts what is open now. */
  cut(): void {
    for (const [inner, outer] of this.#pairs) {
      inner.destroy();
      outer.destroy();
    }
    this.#pairs.clear();
  }
}
