// Loaded before a program: makes it believe what PRETEND says, `{"versions": {…}, "fileSystem": 0x6969, "user": 65534}`.
const fs = require('node:fs');

const { versions = {}, fileSystem, user } = JSON.parse(process.env.PRETEND);
Object.defineProperty(process, 'versions', { value: { ...process.versions, ...versions } });
if (fileSystem !== undefined) fs.statfsSync = () => ({ type: fileSystem });
if (user !== undefined) {
  const { accessSync } = fs;
  // No sooner, since that user may not be allowed to load the program.
  fs.accessSync = (...args) => {
    process.setgid(user);
    process.setuid(user);
    fs.accessSync = accessSync;
    accessSync(...args);
  };
}
