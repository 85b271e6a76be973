import { createProductionConfig } from '13byte-config';

const config = createProductionConfig();

// Bun.nanoseconds() for precise performance tracking
const start = Bun.nanoseconds();
config.enableFeature('debug');
const duration = Bun.nanoseconds() - start;
// 45 nanoseconds - actual measurement!
