<?php
// Visits last (MariaDB); the total that is shown may be a few seconds old (Redis).

declare(strict_types=1);

require_once __DIR__ . '/platform.php';

function make_tables(PDO $db): void
{
    $db->exec(
        'CREATE TABLE IF NOT EXISTS visits (
            id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
            at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
        ) ENGINE=InnoDB'
    );
}

/** Counts this visit; the number of visits until now. */
function count_visit(PDO $db): int
{
    $db->exec('INSERT INTO visits () VALUES ()');
    return (int) $db->query('SELECT COUNT(*) FROM visits')->fetchColumn();
}

/** [text, 'hit' or 'miss']: made anew when what Redis holds is older than some seconds. */
function cached_summary(Redis $redis, int $visits): array
{
    $text = $redis->get('summary');
    if (is_string($text)) {
        return [$text, 'hit'];
    }
    $text = sprintf('%d visits at %s', $visits, gmdate('H:i:s'));
    $redis->setex('summary', max(1, (int) getenv('SHOP_CACHE_SECONDS')), $text);
    return [$text, 'miss'];
}

const UPLOADS = __DIR__ . '/../web/uploads';
const UPLOAD_MAX = 1 << 20;

function uploads(): array
{
    $found = is_dir(UPLOADS) ? scandir(UPLOADS) : [];
    return array_values(array_filter($found ?: [], fn ($name) => $name[0] !== '.'));
}

/** Stores the uploaded picture or text; its new name. */
function take_upload(array $file): string
{
    if ($file['error'] !== UPLOAD_ERR_OK) {
        throw new RuntimeException("the upload failed with PHP's code {$file['error']}");
    }
    $ending = strtolower(pathinfo($file['name'], PATHINFO_EXTENSION));
    if (!in_array($ending, ['txt', 'png', 'jpg', 'gif'], true)) {
        throw new RuntimeException('only .txt, .png, .jpg and .gif are taken');
    }
    if ($file['size'] > UPLOAD_MAX) {
        throw new RuntimeException('the file is larger than 1 MiB');
    }
    // A name of ours: one from outside could be anything.
    $name = gmdate('Ymd-His-') . bin2hex(random_bytes(4)) . '.' . $ending;
    if (!move_uploaded_file($file['tmp_name'], UPLOADS . '/' . $name)) {
        throw new RuntimeException('web/uploads is not writable: is it a mount in app.yaml?');
    }
    return $name;
}
