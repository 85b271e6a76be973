// A web server that is down while `maintenance_mode` is on, as it is in the beginning. It prints its address.
import { createServer } from 'node:http';
import { createProductionConfig } from '13byte-config';

const config = createProductionConfig({ persistPath: process.argv[2], environment: 'production', enableClusterSync: true });
config.enableFeature('maintenance_mode');
await config.persist('before we open');

const server = createServer((_request, response) => {
  const isDown = config.isFeatureEnabled('maintenance_mode');
  response.writeHead(isDown ? 503 : 200).end(isDown ? 'down for maintenance' : 'hello');
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
