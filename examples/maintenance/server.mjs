// A web server that is down while `maintenance_mode` is on, as it is in the beginning.
//
//   node examples/maintenance/server.mjs ./config.db 8080
import { createServer } from 'node:http';
import { createProductionConfig } from '13byte-config';

const [persistPath = './config.db', port = '8080'] = process.argv.slice(2);

// With enableClusterSync the command line, like any other process, changes the very memory that is read below.
const config = createProductionConfig({ persistPath, environment: 'production', enableClusterSync: true });
config.enableFeature('maintenance_mode');
await config.persist('before we open');

const server = createServer((_request, response) => {
  const isDown = config.isFeatureEnabled('maintenance_mode');
  response.writeHead(isDown ? 503 : 200).end(isDown ? 'down for maintenance' : 'hello');
});
server.listen(Number(port), '127.0.0.1', () => {
  const address = server.address();
  // A string is that of a pipe, which this is not.
  if (typeof address === 'object') console.log(`http://127.0.0.1:${address?.port}/`);
});
