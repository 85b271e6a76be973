// A process that gets a handle: as its argument, and then turns d on and ends; or as a message, and then does what it
// is sent.
import { writeSync } from 'node:fs';
import { attachConfig } from '13byte-config';

let config;

if (process.argv[2]) {
  config = attachConfig(JSON.parse(process.argv[2]));
  config.enableFeature('d');
  writeSync(1, 'attached\n');
} else {
  process.on('message', (message) => {
    if (message === 'end') process.disconnect();
    else if (message === 'enable b') config.enableFeature('b');
    else {
      config = attachConfig(message);
      process.send({ features: config.getEnabledFeatures(), pageId: config.share().pageId });
    }
  });
}
