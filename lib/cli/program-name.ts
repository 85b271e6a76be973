/** The program's name, as it is typed. */
export const PROGRAM = '13byte-config';
