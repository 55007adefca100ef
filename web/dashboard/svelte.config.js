// Runes everywhere: no component may fall back to the old reactivity.
export default { compilerOptions: { runes: true } };
