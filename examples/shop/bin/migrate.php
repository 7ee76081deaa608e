<?php
// The deploy hook: services answer, requests wait. Doing it twice is doing it once.

declare(strict_types=1);

require __DIR__ . '/../src/shop.php';

make_tables(database());
echo "tables are there\n";
