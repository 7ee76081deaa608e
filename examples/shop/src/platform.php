<?php
// What the platform says about the services behind this app's relationships.

declare(strict_types=1);

/** The first endpoint of a relationship: host, port, username, password, path, scheme. */
function relationship(string $name): array
{
    $encoded = getenv('PLATFORM_RELATIONSHIPS');
    if ($encoded === false || $encoded === '') {
        throw new RuntimeException('PLATFORM_RELATIONSHIPS is not set: is this running under orch?');
    }
    $text = base64_decode($encoded, true);
    $all = $text === false ? null : json_decode($text, true);
    if (!is_array($all)) {
        throw new RuntimeException('PLATFORM_RELATIONSHIPS is not base64 of a JSON object');
    }
    if (!isset($all[$name][0]['host'], $all[$name][0]['port'])) {
        throw new RuntimeException(
            "no relationship \"$name\" in app.yaml; there are: " . implode(', ', array_keys($all))
        );
    }
    return $all[$name][0];
}

function database(): PDO
{
    $to = relationship('database');
    $dsn = sprintf(
        'mysql:host=%s;port=%d;dbname=%s;charset=utf8mb4',
        $to['host'],
        (int) $to['port'],
        $to['path']
    );
    try {
        return new PDO($dsn, $to['username'], $to['password'], [
            PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
            PDO::ATTR_TIMEOUT => 5,
        ]);
    } catch (PDOException $e) {
        throw new RuntimeException("database at {$to['host']}:{$to['port']}: " . $e->getMessage(), 0, $e);
    }
}

function cache(): Redis
{
    $to = relationship('cache');
    $redis = new Redis();
    try {
        $redis->connect($to['host'], (int) $to['port'], 2.0);
        if (($to['password'] ?? null) !== null && $to['password'] !== '') {
            $redis->auth($to['password']);
        }
    } catch (RedisException $e) {
        throw new RuntimeException("cache at {$to['host']}:{$to['port']}: " . $e->getMessage(), 0, $e);
    }
    return $redis;
}
