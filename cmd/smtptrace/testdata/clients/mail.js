// Sends the mails that a JSON file asks for with nodemailer, over one connection.
const o = JSON.parse(require('fs').readFileSync(process.argv[2]));
const transport = require('nodemailer').createTransport({
	host: o.host,
	port: o.port,
	name: o.helo || undefined,
	pool: true,
	maxConnections: 1,
	secure: o.tls === 'implicit',
	requireTLS: o.tls === 'starttls',
	ignoreTLS: o.tls === '',
	tls: { rejectUnauthorized: false, servername: o.sni || undefined },
	auth: o.auth ? { user: o.user, pass: o.password } : undefined,
	authMethod: o.auth || undefined,
});

(async () => {
	for (const to of o.mails) {
		try {
			await transport.sendMail({ envelope: { from: o.from, to }, subject: 'test', text: o.body });
		} catch (err) {
			if (err.code !== 'EENVELOPE' && err.code !== 'EAUTH') throw err;
		}
	}
	transport.close();
})();
