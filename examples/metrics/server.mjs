// A program that shows its metrics to Prometheus:
//
//   node examples/metrics/server.mjs 9464      # or bun …; then look at http://127.0.0.1:9464/metrics
import { createServer } from 'node:http';
import { createProductionConfig } from '13byte-config';

const config = createProductionConfig({ persistPath: './config.db', enableClusterSync: true });
// Whoever listens has a listener lag.
config.on('change', ({ enabled, disabled }) => console.log('changed:', { enabled, disabled }));

const server = createServer((request, response) => {
  if (request.url !== '/metrics') {
    response.writeHead(404).end('Look at /metrics\n');
    return;
  }
  response.setHeader('content-type', 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  response.end(config.metricsText());
});

server.listen(Number(process.argv[2] ?? 9464), '127.0.0.1', () => {
  const address = server.address();
  // A string is that of a pipe, which this is not.
  if (typeof address === 'object') console.log(`http://127.0.0.1:${address?.port}/metrics`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close(() => config.close());
    server.closeAllConnections();
  });
}
