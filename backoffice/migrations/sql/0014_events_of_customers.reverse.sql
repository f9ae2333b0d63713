SELECT 1;  -- the column goes with 0007, and the function is made anew by whatever takes that back
