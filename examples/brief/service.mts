import { createProductionConfig } from '13byte-config';

// service.ts - Production deployment
const serviceConfig = createProductionConfig({
  persistPath: './service-config.db',
  debugMode: process.env.NODE_ENV === 'development'
});

// Environment-specific setup
if (process.env.NODE_ENV === 'production') {
  serviceConfig.enableFeature('metrics');
  serviceConfig.enableFeature('encryption');
  serviceConfig.disableFeature('debug');
} else {
  serviceConfig.enableFeature('debug');
  serviceConfig.enableFeature('verbose');
}

await serviceConfig.persist('service_deployment');
