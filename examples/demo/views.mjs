import { createProductionConfig } from '13byte-config';
import { check, say, showValue } from './terminal.mjs';

/** A config shows itself to people as features and a terminal. */
export async function views() {
  const config = createProductionConfig({ environment: 'production' });
  config.enableFeature('debug');
  config.enableFeature('metrics');
  config.setTerminalSettings(2, 50, 120);

  say('`console.log(config)`');
  showValue(config);

  const view = config.getDebugView();
  say('`config.getDebugView()` is the same for programs, down to the 13 bytes. Some of it:');
  const { features, terminal, raw } = view;
  showValue({ features, terminal, raw: { hex: raw.hex } }, { compact: 2, breakLength: 100, maxArrayLength: 4 });

  check(view.raw.hex === '0x01785634120500000002327800', `13 bytes hold all of it: ${view.raw.hex}`);
  check(view === config.getDebugView(), 'as long as nothing changes it is the same object, so looking often is cheap');
  await config.close();
}
