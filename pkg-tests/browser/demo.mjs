export async function demoLeg() { return { passed: 0, failed: 0 }; }
