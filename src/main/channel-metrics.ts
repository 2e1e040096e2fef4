// The channel's counters in the registry that /metrics shows.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { ChannelMetrics } from '../channel/metrics.ts';
import { operationName } from '../wire/operation.ts';
import { requestStatusName } from '../wire/status.ts';

export function channelMetrics(registry: Registry): ChannelMetrics {
  const registers = [registry];
  const connections = new Gauge({
    name: 'specie_connections',
    help: 'Open WebSocket connections',
    registers,
  });
  const closed = new Counter({
    name: 'specie_connections_closed_total',
    help: 'WebSocket connections closed, by close code',
    labelNames: ['code'],
    registers,
  });
  const refused = new Counter({
    name: 'specie_connections_refused_total',
    help: 'Upgrades refused, by HTTP status',
    labelNames: ['status'],
    registers,
  });
  const handshakes = new Counter({
    name: 'specie_handshakes_total',
    help: 'Handshakes ended, by outcome',
    labelNames: ['outcome'],
    registers,
  });
  const received = new Counter({
    name: 'specie_received_bytes_total',
    help: 'Bytes of frames received',
    labelNames: ['operation'],
    registers,
  });
  const replies = new Counter({
    name: 'specie_replies_total',
    help: 'Replies sent',
    labelNames: ['operation', 'status'],
    registers,
  });
  const sent = new Counter({
    name: 'specie_sent_bytes_total',
    help: 'Bytes of replies sent',
    labelNames: ['operation'],
    registers,
  });
  return {
    connectionOpened: () => connections.inc(),
    connectionClosed(code) {
      connections.dec();
      closed.inc({ code: String(code) });
    },
    connectionRefused: (status) => refused.inc({ status: String(status) }),
    handshakeEnded: (outcome) => handshakes.inc({ outcome }),
    frameReceived: (operation, bytes) => received.inc({ operation: operationName(operation) }, bytes),
    replySent(operation, status, bytes) {
      replies.inc({ operation: operationName(operation), status: requestStatusName(status) ?? 'unknown' });
      sent.inc({ operation: operationName(operation) }, bytes);
    },
  };
}
