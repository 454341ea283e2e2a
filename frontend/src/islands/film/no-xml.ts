/** In place of xmlbuilder2, which vtk.js asks for to read XML meshes: films are pixels, and it needs parts of Node. */
export const create = undefined;
export const convert = undefined;
