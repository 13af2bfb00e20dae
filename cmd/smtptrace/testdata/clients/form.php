<?php
// Sends the mails that a JSON file asks for with mail(), as a contact form does.
$o = json_decode(file_get_contents($argv[1]), true);
foreach ($o['mails'] as $rcpts) {
    mail(implode(', ', $rcpts), 'a form', $o['body'], "From: {$o['from']}", "-f{$o['from']}") or exit(1);
}
