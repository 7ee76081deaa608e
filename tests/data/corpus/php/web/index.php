<?php
// Counts in a mount, and takes an upload into another.
if (isset($_FILES['file'])) {
    move_uploaded_file($_FILES['file']['tmp_name'], __DIR__ . '/uploads/' . basename($_FILES['file']['name']));
}
$path = '/app/private/visits';
file_put_contents($path, $visits = 1 + (int) @file_get_contents($path));
echo "visit $visits of ", htmlspecialchars($_SERVER['REQUEST_URI']), ' by ', getenv('PLATFORM_APPLICATION_NAME'), "\n";
