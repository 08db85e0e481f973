# Lines into a file for each level, unchanged: started in the folder for results.
{ print > $2 }
