import { metrics } from '@opentelemetry/api';
import { createProductionConfig } from '13byte-config';
import { type ConfigInstrumentation, instrumentConfig } from '13byte-config/opentelemetry';

// Whatever the features of a config are, it can be observed.
const instrumentation: ConfigInstrumentation = instrumentConfig(
  createProductionConfig({ features: ['checkout', 'search'] }),
);
instrumentation.stop();
using other = instrumentConfig(createProductionConfig(), { meter: metrics.getMeter('shop') });

// @ts-expect-error
instrumentConfig({});
// @ts-expect-error
instrumentConfig(createProductionConfig(), { meter: {} });
