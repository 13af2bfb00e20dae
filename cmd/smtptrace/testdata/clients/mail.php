<?php
// Sends the mails that a JSON file asks for over a socket, as the mailers do that people find in
// their web space. It says HELO, or EHLO for CHUNKING and PIPELINING.
$o = json_decode(file_get_contents($argv[1]), true);
$context = stream_context_create(['ssl' => ['verify_peer' => false, 'verify_peer_name' => false, 'peer_name' => $o['sni']]]);
$scheme = $o['tls'] == 'implicit' ? 'tls' : 'tcp';
$s = stream_socket_client("$scheme://{$o['host']}:{$o['port']}", $errno, $error, 10, STREAM_CLIENT_CONNECT, $context);
$s or exit("$error\n");

function reply()
{
    global $s;
    do {
        $line = fgets($s);
    } while ($line !== false && substr($line, 3, 1) == '-');
    return (int) $line;
}

function say($line)
{
    global $s;
    fwrite($s, "$line\r\n");
    return reply();
}

reply();
say(($o['chunked'] || $o['pipelined'] ? 'EHLO ' : 'HELO ') . $o['helo']);
foreach ($o['mails'] as $rcpts) {
    $lines = ["MAIL FROM:<{$o['from']}>"];
    foreach ($rcpts as $rcpt) {
        $lines[] = "RCPT TO:<$rcpt>";
    }
    $size = strlen($o['body']);
    $lines[] = $o['chunked'] ? "BDAT $size LAST\r\n" . rtrim($o['body']) : 'DATA';
    if ($o['pipelined']) {
        fwrite($s, implode("\r\n", $lines) . "\r\n");
        foreach ($lines as $_) {
            $code = reply();
        }
    } else {
        foreach ($lines as $line) {
            $code = say($line);
        }
    }
    if ($code == 354) {
        say($o['body'] . '.');
    }
}
say('QUIT');
