<?php
// server.php URL: a server of HTTP/1.1 that says what it was asked, to see what reaches an app.
$server = stream_socket_server($argv[1]);
while (true) {
    $client = stream_socket_accept($server, 3600);
    if (!$client) {
        continue;
    }
    $lines = [];
    while (($line = fgets($client)) !== false && rtrim($line) !== '') {
        $lines[] = rtrim($line);
    }
    $length = 0;
    foreach ($lines as $line) {
        if (preg_match('/^content-length: *(\d+)/i', $line, $m)) {
            $length = (int) $m[1];
        }
    }
    $body = $length ? stream_get_contents($client, $length) : '';
    $text = 'app: ' . implode("\n", $lines) . "\nbody: " . strlen($body) . "\n" . str_repeat('.', 2000) . "\n";
    $status = preg_match('# /status/(\d+)#', $lines[0] ?? '', $m) ? $m[1] : '200';
    fwrite($client, "HTTP/1.1 $status X\r\nContent-Type: text/html\r\nX-App: yes\r\nConnection: close\r\n" .
        "Content-Length: " . strlen($text) . "\r\n\r\n$text");
    fclose($client);
}
