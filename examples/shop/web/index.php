<?php

declare(strict_types=1);

require __DIR__ . '/../src/version.php';
require __DIR__ . '/../src/shop.php';

function html(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

function page(string $body): string
{
    $name = html(getenv('SHOP_NAME') ?: 'Shop');
    return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        . "<title>$name</title>\n<link rel=\"stylesheet\" href=\"/static/shop.css\">\n</head>\n"
        . "<body>\n<h1>$name</h1>\n$body</body>\n</html>\n";
}

/** One "name: value" a line: people can read it and tests can grep it. */
function facts(array $facts): string
{
    $lines = '';
    foreach ($facts as $name => $value) {
        $lines .= '<li>' . html("$name: $value") . "</li>\n";
    }
    return "<ul class=\"facts\">\n$lines</ul>\n";
}

function first_line(string $path): string
{
    $lines = is_readable($path) ? file($path, FILE_IGNORE_NEW_LINES) : false;
    return $lines ? $lines[0] : 'unknown';
}

function upload_list(): string
{
    $items = '';
    foreach (uploads() as $name) {
        $items .= '<li><a href="/uploads/' . rawurlencode($name) . '">' . html($name) . "</a></li>\n";
    }
    return "<h2>Uploads</h2>\n<ul>\n$items</ul>\n"
        . "<form method=\"post\" action=\"/\" enctype=\"multipart/form-data\">\n"
        . "<input type=\"file\" name=\"file\" required> <button>Upload</button>\n</form>\n";
}

function home(): string
{
    $visits = count_visit(database());
    [$summary, $cache] = cached_summary(cache(), $visits);
    return page(
        facts([
            'version' => SHOP_VERSION,
            'visits' => (string) $visits,
            'summary' => $summary,
            'cache' => $cache,
            'uploads' => (string) count(uploads()),
        ])
        . upload_list()
        . '<footer>branch ' . html(getenv('PLATFORM_BRANCH') ?: 'unknown')
        . ', built ' . html(first_line(__DIR__ . '/../build/stamp'))
        . ', memory limit ' . html(ini_get('memory_limit')) . "</footer>\n"
    );
}

function answer(): void
{
    $path = parse_url($_SERVER['REQUEST_URI'] ?? '/', PHP_URL_PATH) ?: '/';
    if ($path === '/health') {
        header('Content-Type: text/plain');
        echo "ok\n";
    } elseif ($path !== '/' && $path !== '/index.php') {
        http_response_code(404);
        echo page('<p class="problem">There is no page ' . html($path) . ".</p>\n");
    } elseif (($_SERVER['REQUEST_METHOD'] ?? 'GET') === 'POST' && isset($_FILES['file'])) {
        take_upload($_FILES['file']);
        header('Location: /', true, 303);
    } else {
        echo home();
    }
}

try {
    answer();
} catch (Throwable $e) {
    // An example says what is wrong to whoever looks; a real shop would only log it.
    error_log((string) $e);
    http_response_code(500);
    echo page('<p class="problem">error: ' . html($e->getMessage()) . "</p>\n"
        . "<p><code>orch ps</code> shows what runs, <code>orch logs app</code> what it said.</p>\n");
}
