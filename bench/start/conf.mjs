// @ts-check
// A file that the first run has made.
import Conf from 'conf';

const conf = new Conf({ cwd: process.argv[2] ?? '', projectName: 'bench', cache: true, defaults: { debug: true } });
process.exit(conf.get('debug') ? 0 : 1);
