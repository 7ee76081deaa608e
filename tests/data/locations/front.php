<?php
// What a script is told.
header('Content-Type: text/plain');
header('X-App: yes');
foreach (['SCRIPT_NAME', 'SCRIPT_FILENAME', 'PATH_INFO', 'REQUEST_URI', 'QUERY_STRING', 'REQUEST_METHOD', 'DOCUMENT_ROOT'] as $name) {
    echo "$name=", $_SERVER[$name] ?? '', "\n";
}
echo 'GET=', json_encode($_GET), "\nBODY=", strlen(file_get_contents('php://input')), "\n", str_repeat('.', 2000), "\n";
