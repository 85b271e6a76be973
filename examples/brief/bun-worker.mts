// Bun Workers for background operations
const worker = new Worker('./config-sync-worker.ts');
// SharedArrayBuffer for true memory sharing
// IPC for real-time communication
