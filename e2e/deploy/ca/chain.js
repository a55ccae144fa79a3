// Prints the chain of the SVID that whoever runs this is given, leaf first, as a line of JSON with DER in base64.
import { openX509Source } from 'ephemos';

const source = await openX509Source();
console.log(JSON.stringify(source.svid.chain.map((each) => Buffer.from(each).toString('base64'))));
await source.close();
