// A thread beside the package's own: when the parent is gone, standard input ends, and the process is killed even if
// the package keeps its own thread busy for ever. (The pool's child code exits by itself only when it is idle.)
import { Socket } from 'node:net';

const end = () => process.kill(process.pid, 'SIGKILL');
new Socket({ fd: 0, readable: true, writable: false }).on('end', end).on('error', end).on('close', end).resume();
