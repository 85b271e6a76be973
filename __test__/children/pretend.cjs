// Loaded before a program: makes it believe what PRETEND says, `{"versions": {…}}`.
const { versions = {} } = JSON.parse(process.env.PRETEND);
Object.defineProperty(process, 'versions', { value: { ...process.versions, ...versions } });
