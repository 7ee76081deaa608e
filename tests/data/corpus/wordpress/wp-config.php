<?php
// As projects have it: everything from the environment.
$database = json_decode(base64_decode(getenv('PLATFORM_RELATIONSHIPS')), true)['database'][0];
define('DB_NAME', $database['path']);
define('DB_USER', $database['username']);
define('DB_PASSWORD', $database['password']);
define('DB_HOST', $database['host']);
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
foreach (['AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY', 'AUTH_SALT', 'SECURE_AUTH_SALT', 'LOGGED_IN_SALT', 'NONCE_SALT'] as $key) {
    define($key, hash('sha256', getenv('PLATFORM_PROJECT_ENTROPY') . $key));
}
foreach (json_decode(base64_decode(getenv('PLATFORM_ROUTES')), true) as $url => $route) {
    if ($route['primary'] ?? false) {
        define('WP_HOME', rtrim($url, '/'));
        define('WP_SITEURL', rtrim($url, '/'));
    }
}
define('WP_HTTP_BLOCK_EXTERNAL', true);
$table_prefix = 'wp_';
defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
