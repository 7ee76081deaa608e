<?php
// Edit this line, commit and deploy: only the app's code is swapped.
const SHOP_VERSION = '1';
