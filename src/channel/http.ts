// The HTTP side of the port: /healthz for supervisors, /metrics for Prometheus, plain words for everything else. It is not
// encrypted and asks nobody who he is, so it answers this machine only, whatever address the server listens on.
import type { HttpResponse, TemplatedApp } from 'uWebSockets.js';
import type { Engine } from '../wire/engine.ts';
import { isLoopback } from './loopback.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const TEXT_TYPE = 'text/plain; charset=utf-8';
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function respond(response: HttpResponse, status: string, type: string, body: string): void {
  response.cork(() => {
    response
      .writeStatus(status)
      .writeHeader('content-type', type)
      .writeHeader('cache-control', 'no-store')
      .writeHeader('x-content-type-options', 'nosniff')
      .end(body);
  });
}

export function refuseUpgrade(response: HttpResponse, status: string, message: string): void {
  respond(response, status, TEXT_TYPE, `${message}\n`);
}

/** `channel` adds what the server knows of itself to the health report. */
export function serveHttp(
  app: TemplatedApp,
  engine: Engine,
  path: string,
  channel: () => { stopping: boolean } & Record<string, unknown>,
): void {
  const foreign = (response: HttpResponse): boolean => {
    if (isLoopback(new Uint8Array(response.getRemoteAddress()))) return false;
    respond(response, '403 Forbidden', TEXT_TYPE, 'expected a client on the same machine\n');
    return true;
  };

  app.get('/healthz', (response) => {
    if (foreign(response)) return;
    const own = channel();
    const health = engine.health();
    const status = own.stopping ? 'stopped' : health.status;
    const body = JSON.stringify({ status, detail: health.detail, channel: own }, bigintAsText);
    respond(response, status === 'stopped' ? '503 Service Unavailable' : '200 OK', JSON_TYPE, body);
  });

  app.get('/metrics', (response) => {
    if (foreign(response)) return;
    let aborted = false;
    response.onAborted(() => {
      aborted = true;
    });
    Promise.resolve()
      .then(() => engine.metrics())
      .then(
        (text) => {
          if (!aborted) respond(response, '200 OK', METRICS_TYPE, text);
        },
        () => {
          if (!aborted)
            respond(response, '500 Internal Server Error', TEXT_TYPE, 'metrics could not be collected\n');
        },
      );
  });

  app.any('/*', (response, request) => {
    if (request.getUrl() === path) {
      refuseUpgrade(response, '426 Upgrade Required', `expected a WebSocket upgrade on ${path}`);
    } else {
      refuseUpgrade(response, '404 Not Found', `expected ${path} (WebSocket), /healthz or /metrics`);
    }
  });
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
